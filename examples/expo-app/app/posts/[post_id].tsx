import { Link, useLocalSearchParams } from 'expo-router'
import { useEffect, useState } from 'react'
import { type Post, readPost } from '../../api'
import { Heading, Screen, Words } from '../../parts'

/** Where a tapped `post_detail` notification leads. */
export default function PostDetail() {
  const { post_id } = useLocalSearchParams<{ post_id: string }>()
  const [post, setPost] = useState<Post>()
  useEffect(
    () =>
      void readPost(post_id).then(
        (answer) => setPost(answer.post),
        () => {},
      ),
    [post_id],
  )
  if (!post) return null
  return (
    <Screen>
      <Heading>{post.title}</Heading>
      <Words>{post.text_content}</Words>
      <Link href={{ pathname: '/messages/[sender_id]', params: { sender_id: post.user_id } }}>
        <Words>Write to {post.user_id}</Words>
      </Link>
    </Screen>
  )
}
