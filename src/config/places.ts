/** Addresses, as they are told and compared. */

export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^(::ffff:)?127\./.test(address)
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
