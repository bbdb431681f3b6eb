/** Addresses, as they are told and compared. */

export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^(::ffff:)?127\./.test(address)
}

/** Where whoever listens there can be reached from this machine: listening on every address is not an address. */
export function urlOf({ host, port }: { host: string; port: number | string }): string {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const name = isEverywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

/** Receipts are asked at the sibling of the address that sends. */
export function receiptsUrlOf(sendUrl: string): string {
  return sendUrl.replace(/\/send$/, '/getReceipts')
}

/** Where connections go, as `exp.host:443`. */
export function placeOf(address: string): string {
  const { hostname, port, protocol } = new URL(address)
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}

/** Where Expo is, for people who look whether it can be reached. */
export function expoPlaceOf({ mode, expo }: { mode: 'sandbox' | 'expo'; expo: { sendUrl: string } }): string {
  return mode === 'sandbox' ? 'its own sandbox' : placeOf(expo.sendUrl)
}
