import { useBelfry } from '@belfry/expo'
import { router } from 'expo-router'
import { Button, Heading, Screen, Words } from '../parts'
import { writeSession } from '../session'

export default function Settings() {
  const { permission, registration, trouble, askPermission, logOut } = useBelfry()
  const leave = async () => {
    // First, while the session is still there; offline it is remembered and said later.
    await logOut()
    await writeSession(null)
    router.replace('/login')
  }
  return (
    <Screen>
      <Heading>Notifications</Heading>
      <Words>
        {permission}, {registration}
        {trouble && `: ${trouble.message}`}
      </Words>
      {permission === 'undetermined' && <Button title="Allow notifications" onPress={() => askPermission()} />}
      {permission === 'denied' && <Words>They are switched off in the phone’s settings.</Words>}
      <Button title="Log out" onPress={leave} />
    </Screen>
  )
}
