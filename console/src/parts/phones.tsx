/** How it will look on the two kinds of phones. Text only: nothing of it is ever markup. */
import { Icon } from './icons.tsx'

interface Preview {
  title: string
  body: string
  image?: string
}

export function Phones({ title, body }: Preview) {
  const [shownTitle, shownBody] = [title || 'Title', body || 'What you want to say']
  return (
    <div class="phones" aria-label="Preview on an iPhone and an Android phone" role="group">
      <div class="phone ios">
        <div class="glass">
          <span class="island" />
          <span class="clock" aria-hidden="true">
            9:41
          </span>
          <div class="note">
            <span class="app">
              <Icon name="notifications" />
            </span>
            <div>
              <p class="from">
                <span>Your app</span>
                <span>now</span>
              </p>
              <p class="t">{shownTitle}</p>
              <p class="b">{shownBody}</p>
            </div>
          </div>
        </div>
        <p class="caption">iPhone</p>
      </div>
      <div class="phone android">
        <div class="glass">
          <span class="camera" />
          <span class="clock" aria-hidden="true">
            9:41
          </span>
          <div class="note">
            <span class="app">
              <Icon name="notifications" />
            </span>
            <div>
              <p class="from">
                <span>Your app · now</span>
              </p>
              <p class="t">{shownTitle}</p>
              <p class="b">{shownBody}</p>
            </div>
          </div>
        </div>
        <p class="caption">Android</p>
      </div>
    </div>
  )
}
