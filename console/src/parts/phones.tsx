/**
 * How it will look on the lock screens of the two kinds of phones, as wide as they are, so that it is cut about where
 * they cut it. Text only: nothing of it is ever markup.
 */
import { Icon } from './icons.tsx'

interface Preview {
  title: string
  body: string
}

export function Phones({ title, body }: Preview) {
  const words = { title: title.trim() === '' ? '' : title, body: body.trim() === '' ? '' : body }
  return (
    <div class="phones" aria-label="Preview on an iPhone and an Android phone" role="group">
      <Phone kind="ios" from={['Your app', 'now']} caption="iPhone" {...words} />
      <Phone kind="android" from={['Your app · now']} caption="Android, folded; opened out it shows all" {...words} />
    </div>
  )
}

interface PhoneProps extends Preview {
  kind: 'ios' | 'android'
  /** What stands above the words, from left to right. */
  from: string[]
  caption: string
}

function Phone({ kind, from, caption, title, body }: PhoneProps) {
  return (
    <div class={`phone ${kind}`}>
      <div class="glass">
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
            {title === '' && body === '' && <p class="nothing">What you want to say</p>}
            {title !== '' && (
              <p class="t" dir="auto">
                {title}
              </p>
            )}
            {body !== '' && (
              <p class="b" dir="auto">
                {body}
              </p>
            )}
          </div>
        </div>
      </div>
      <p class="caption">{caption}</p>
    </div>
  )
}
