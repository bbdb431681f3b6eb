/** What a backend does when somebody has written a post: everybody but the author is told, once, however often this runs. */
import { belfry } from './belfry.mjs'

const post = { id: '42', author: 'ana', title: 'The bells are up' }

const { notification_id } = await belfry(
  '/api/notifications',
  {
    to: 'everyone',
    except: [post.author],
    title: `New Reflection from ${post.author}`,
    body: post.title,
    data: { post_id: post.id, screen: 'post_detail' },
    options: { sound: 'default', priority: 'high', channelId: 'default' },
  },
  { key: `post-${post.id}` },
)
console.log(notification_id)
