/**
 * Expo's token for this installation. The system's own token stands behind it; fetching Expo's asks for it, which
 * makes the system tell it to every listener again: our own echo must not look like a rotation, or it never ends.
 */
import type { Device, NativeToken } from './device.ts'

export class PushToken {
  readonly #device: Device
  readonly #projectId: string | undefined
  #native: NativeToken | undefined
  #isRotated = false
  #isAskingSystem = false
  #hasFailed = false

  constructor(device: Device, projectId: string | undefined) {
    this.#device = device
    this.#projectId = projectId ?? device.projectId
  }

  /** @param onRotation the system gave this app another token, and Expo's may be another, too. */
  listen(onRotation: () => void): () => void {
    if (this.#device.unsupported || !this.#device.notifications) return () => {}
    const listening = this.#device.notifications.addPushTokenListener((native) => {
      const isNew = native.data !== this.#native?.data
      this.#native = native
      if (!isNew || this.#isAskingSystem) return
      this.#isRotated = true
      onRotation()
    })
    return () => listening.remove()
  }

  async fetch(): Promise<string> {
    // Asked again after a failure, expo-notifications repeats that failure until the app restarts: so the token is
    // handed in where it is known.
    const native = this.#isRotated || this.#hasFailed ? this.#native : undefined
    this.#isRotated = false
    this.#isAskingSystem = native === undefined
    try {
      const options = { projectId: this.#projectId, ...(native && { devicePushToken: native }) }
      const { data } = await this.#device.notifications!.getExpoPushTokenAsync(options)
      this.#hasFailed = false
      return data
    } catch (error) {
      this.#hasFailed = true
      throw error
    } finally {
      this.#isAskingSystem = false
    }
  }
}
