/** Why did this user not get it? One sentence on top, and below it everything that happened, in order. */
import { useLoad } from '../api.ts'
import { plain } from '../format.ts'
import { Card, deviceName, Empty, Given, OutcomeBadge, StateBadge, Time, Waiting } from '../parts/bits.tsx'
import { Icon } from '../parts/icons.tsx'
import { LoadFailed } from '../parts/nothing-here.tsx'
import { stepBack, to, useTitle } from '../router.ts'
import type { Explained } from '../types.ts'

export function ExplainSection({ user, notification }: { user: string; notification: string }) {
  const path = `/api/operator/explain?user=${encodeURIComponent(user)}&notification=${encodeURIComponent(notification)}`
  const loaded = useLoad<Explained>(path, 3_000)
  const { data } = loaded
  useTitle(data?.sentence)
  return (
    <>
      <div class="head">
        <a class="back" href={to('people', user)} onClick={stepBack}>
          <Icon name="back" /> <Given text={user} />
        </a>
        <a href={to('notifications', notification)}>The notification</a>
      </div>
      {loaded.error && (
        <LoadFailed error={loaded.error} again={loaded.again} missing="There is no notification with this id">
          The address may be cut off; or it was long ago, and is not kept any more.
        </LoadFailed>
      )}
      {data === undefined ? (
        !loaded.error && <Waiting rows={4} />
      ) : (
        <>
          <section class="answer" aria-live="polite">
            <h1>{plain(data.sentence)}</h1>
            {data.hint && <p>{data.hint}</p>}
            <p class="dim">
              Made <Time at={data.notification.created_at} /> <StateBadge state={data.notification.state} />
            </p>
          </section>
          {data.devices.length === 0 && (
            <Empty title="No device">There is nothing to tell about a user without a device.</Empty>
          )}
          {data.devices.map((device) => (
            <Card
              key={device.push_token}
              title={
                <>
                  <Icon name="phone" /> {deviceName(device.device_type)}
                </>
              }
              aside={<OutcomeBadge outcome={device.outcome} />}
            >
              <p class="token">{device.push_token}</p>
              <p class="words">{plain(device.words.charAt(0).toUpperCase() + device.words.slice(1))}.</p>
              <ol class="steps exact">
                {device.steps.map((step, index) => (
                  <li key={index}>
                    {step.at ? <Time at={step.at} exact /> : <span class="dim">later</span>}
                    <span>{plain(step.text)}</span>
                  </li>
                ))}
              </ol>
            </Card>
          ))}
        </>
      )}
    </>
  )
}
