/** How it will look on the two kinds of phones. Text only: nothing of it is ever markup. */
import { Icon } from './icons.tsx'

interface Preview {
  title: string
  body: string
}

export function Phones({ title, body }: Preview) {
  const words = { title: title || 'Title', body: body || 'What you want to say' }
  return (
    <div class="phones" aria-label="Preview on an iPhone and an Android phone" role="group">
      <Phone kind="ios" camera="island" from={['Your app', 'now']} caption="iPhone" {...words} />
      <Phone kind="android" camera="camera" from={['Your app · now']} caption="Android" {...words} />
    </div>
  )
}

interface PhoneProps extends Preview {
  kind: 'ios' | 'android'
  camera: string
  /** What stands above the words, from left to right. */
  from: string[]
  caption: string
}

function Phone({ kind, camera, from, caption, title, body }: PhoneProps) {
  return (
    <div class={`phone ${kind}`}>
      <div class="glass">
        <span class={camera} />
        <span class="clock" aria-hidden="true">
          9:41
        </span>
        <div class="note">
          <span class="app">
            <Icon name="notifications" />
          </span>
          <div>
            <p class="from">
              {from.map((part) => (
                <span key={part}>{part}</span>
              ))}
            </p>
            <p class="t">{title}</p>
            <p class="b">{body}</p>
          </div>
        </div>
      </div>
      <p class="caption">{caption}</p>
    </div>
  )
}
