import { BelfryProvider } from '@belfry/expo'
import { router, Stack } from 'expo-router'
import { baseUrl, getAuthToken } from '../session'

const routes = { post_detail: '/posts/[post_id]', messages: '/messages/[sender_id]' }

export default function Layout() {
  return (
    <BelfryProvider baseUrl={baseUrl} getAuthToken={getAuthToken} routes={routes} navigate={router.push}>
      <Stack />
    </BelfryProvider>
  )
}
