/** Opens pages as a reader would see them, and keeps pictures of them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'

/** Pages whose pictures load slowly are read by few. */
export const MOST_BYTES = 200_000

export interface Window {
  width: number
  height: number
  dark?: boolean
  /** Whose session it has, too. */
  like?: Page
}

export const DESK: Window = { width: 1440, height: 900 }
export const PHONE: Window = { width: 390, height: 844 }

export interface Camera {
  open(url: string, window: Window): Promise<Page>
  /** Of what the window shows, as `docs/images/<name>.png`. */
  take(page: Page, name: string): Promise<void>
  /** Several phones beside each other. */
  takeTogether(name: string, shots: Buffer[]): Promise<void>
  /** Every file that was written, and its size. */
  taken: Map<string, number>
}

export function openCamera(browser: Browser, folder: string): Camera {
  const camera: Camera = {
    taken: new Map(),
    async open(url, { width, height, dark = false, like }) {
      const context = await browser.newContext({
        ...(like && { storageState: await like.context().storageState() }),
        viewport: { width, height },
        colorScheme: dark ? 'dark' : 'light',
        reducedMotion: 'reduce',
        locale: 'en-GB',
        timezoneId: 'Europe/London',
      })
      const page = await context.newPage()
      await page.goto(url)
      return page
    },
    async take(page, name) {
      const file = join(folder, `${name}.png`)
      let png = await page.screenshot()
      for (let step = 2; png.length > MOST_BYTES && step <= 4; step++) png = await coarser(camera, page, png, step)
      writeFileSync(file, png)
      camera.taken.set(file, png.length)
    },
    async takeTogether(name, shots) {
      const gap = 28
      const width = shots.length * (PHONE.width + gap) + gap
      const page = await camera.open('about:blank', { width, height: PHONE.height + 2 * gap })
      const images = shots.map((png) => `<img src="${dataUrl(png)}">`).join('')
      await page.setContent(
        `<style>body{margin:0;padding:${gap}px;display:flex;gap:${gap}px;background:#8a8378}img{border-radius:28px}</style>${images}`,
      )
      await camera.take(page, name)
    },
  }
  return camera
}

const dataUrl = (png: Buffer) => `data:image/png;base64,${png.toString('base64')}`

/** Soft shadows and skies cost most. One of `step` colours that nobody can tell apart is enough. */
async function coarser(camera: Camera, of: Page, png: Buffer, step: number): Promise<Buffer> {
  const page = await camera.open('about:blank', of.viewportSize()!)
  await page.setContent(`<style>body{margin:0}canvas{display:block}</style><img hidden src="${dataUrl(png)}"><canvas>`)
  await page.evaluate(`(async () => {
    const [image] = document.images
    await image.decode()
    const canvas = Object.assign(document.querySelector('canvas'), { width: image.naturalWidth, height: image.naturalHeight })
    const paper = canvas.getContext('2d')
    paper.drawImage(image, 0, 0)
    const points = paper.getImageData(0, 0, canvas.width, canvas.height)
    points.data.forEach((value, at) => { if (at % 4 < 3) points.data[at] = Math.round(value / ${step}) * ${step} })
    paper.putImageData(points, 0, 0)
  })()`)
  const made = await page.screenshot()
  await page.context().close()
  return made
}
