import { Link, useFocusEffect } from 'expo-router'
import { useCallback, useState } from 'react'
import { listPosts, type Post, writePost } from '../api'
import { Button, Field, Heading, Screen, Words } from '../parts'

export default function Feed() {
  const [posts, setPosts] = useState<Post[]>([])
  const [title, setTitle] = useState('')
  const load = useCallback(() => void listPosts().then(setPosts, () => {}), [])
  useFocusEffect(load)
  const write = async () => {
    await writePost(title, '')
    setTitle('')
    load()
  }
  return (
    <Screen>
      <Link href="/settings">Notifications and log-out</Link>
      <Field placeholder="A new post" value={title} onChangeText={setTitle} />
      <Button title="Post: every other phone rings" onPress={write} />
      <Heading>Posts</Heading>
      {posts.map((post) => (
        <Link key={post.id} href={{ pathname: '/posts/[post_id]', params: { post_id: post.id } }}>
          <Words>{post.title}</Words>
        </Link>
      ))}
    </Screen>
  )
}
