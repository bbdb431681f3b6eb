import { useBelfry } from '@belfry/expo'
import { router } from 'expo-router'
import { useState } from 'react'
import { sandboxToken } from '../api'
import { Button, Field, Heading, Screen, Words } from '../parts'
import { writeSession } from '../session'

export default function LogIn() {
  const { logIn } = useBelfry()
  const [name, setName] = useState('')
  const [pasted, setPasted] = useState('')
  const enter = async () => {
    const bearer = pasted.trim() || (await sandboxToken(name))
    await writeSession({ name, bearer })
    // Not waited for: it is tried again by itself until the server has heard it.
    void logIn()
    router.replace('/feed')
  }
  return (
    <Screen>
      <Heading>Who are you?</Heading>
      <Field placeholder="Your name" value={name} onChangeText={setName} />
      <Words>On a phone, paste what `npm run -s belfry -- token {name || 'NAME'}` prints on the server:</Words>
      <Field placeholder="Bearer token (not for a simulator)" value={pasted} onChangeText={setPasted} secureTextEntry />
      <Button title="Log in" onPress={enter} />
    </Screen>
  )
}
