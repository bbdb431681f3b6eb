import { useViewing } from '@belfry/expo'
import { useLocalSearchParams } from 'expo-router'
import { useState } from 'react'
import { type Message, sendMessage } from '../../api'
import { Button, Field, Heading, Screen, Words } from '../../parts'

/** Where a tapped `messages` notification leads. While it is open, messages of this person are not shown over it. */
export default function Conversation() {
  const { sender_id } = useLocalSearchParams<{ sender_id: string }>()
  useViewing({ screen: 'messages', sender_id })
  const [content, setContent] = useState('')
  const [sent, setSent] = useState<Message[]>([])
  const send = async () => {
    const { message } = await sendMessage(sender_id, content)
    setSent([...sent, message])
    setContent('')
  }
  return (
    <Screen>
      <Heading>{sender_id}</Heading>
      {sent.map((message) => (
        <Words key={message.id}>{message.content}</Words>
      ))}
      <Field placeholder="A message" value={content} onChangeText={setContent} />
      <Button title="Send" onPress={send} />
    </Screen>
  )
}
