/** What a backend with sessions of its own does with the push token that the app sends it: `node device.mjs ben ExponentPushToken[…]`. */
import { belfry } from './belfry.mjs'

const [user, push_token, out] = process.argv.slice(2)
const { message } = out
  ? await belfry('/api/users/push-token', { push_token }, { user, method: 'DELETE' })
  : await belfry('/api/users/push-token', { push_token, device_type: 'android' }, { user })
console.log(message)
