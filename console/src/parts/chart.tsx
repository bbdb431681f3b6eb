/** Two charts, drawn as SVG: the rate of the last minute and a half, and one notification's course. */
import { count, timeOfDay } from '../format.ts'
import type { Now, Reasons } from '../types.ts'

const WIDTH = 900
const HEIGHT = 220
const SECONDS = 90
/** Answers come in bunches: by the second, what kept to the limit would seem to break it. */
const MEAN_OF = 5

export function RateChart({ now }: { now: Now }) {
  const end = Math.floor(Date.parse(now.at) / 1_000) - 1
  const bySecond = new Map(now.seconds.map((second) => [second.at, second]))
  const mean = (at: number, lane: 'direct' | 'broadcast') =>
    Array.from({ length: MEAN_OF }, (_, ago) => bySecond.get(at - ago)?.[lane] ?? 0).reduce((a, b) => a + b) / MEAN_OF
  const points = Array.from({ length: SECONDS }, (_, index) => {
    const at = end - SECONDS + 1 + index
    const direct = mean(at, 'direct')
    return { direct, all: direct + mean(at, 'broadcast') }
  })
  const highest = Math.max(...points.map((point) => point.all))
  const top = niceTop(Math.max(now.rate_limit * 1.1, highest * 1.1, 10))
  const x = (index: number) => (index / (SECONDS - 1)) * WIDTH
  const y = (value: number) => HEIGHT - (value / top) * HEIGHT
  const area = (value: (point: (typeof points)[number]) => number) =>
    `M0 ${HEIGHT} ${points.map((point, index) => `L${x(index).toFixed(1)} ${y(value(point)).toFixed(1)}`).join(' ')} L${WIDTH} ${HEIGHT}Z`
  const last = points.at(-1)?.all ?? 0
  return (
    <figure class="chart">
      <div class="plot">
        <div class="scale" aria-hidden="true">
          <span>{count(top)}</span>
          <span>{count(top / 2)}</span>
          <span>0</span>
        </div>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Notifications a second: ${count(last)} now, ${count(highest)} at most in the last ${SECONDS} seconds`}
        >
          <path class="grid" d={`M0 ${HEIGHT / 2}H${WIDTH}M0 .5H${WIDTH}`} />
          <path class="broadcast" d={area((point) => point.all)} />
          <path class="direct" d={area((point) => point.direct)} />
          {now.rate_limit > 0 && <path class="limit" d={`M0 ${y(now.rate_limit)}H${WIDTH}`} />}
        </svg>
      </div>
      <figcaption>
        <span class="key broadcast">Broadcast</span>
        <span class="key direct">Direct</span>
        {now.rate_limit > 0 && <span class="key limit">Limit: {count(now.rate_limit)} a second</span>}
        <span class="span">
          last {SECONDS} s, each point the mean of {MEAN_OF}
        </span>
      </figcaption>
    </figure>
  )
}

export function CourseChart({ course, isOver }: { course: Reasons['course']; isOver: boolean }) {
  const { seconds, stretches } = course
  const first = stretches[0]
  if (first === undefined) return <p class="dim">{isOver ? 'Nothing was sent.' : 'Nothing has been settled yet.'}</p>
  const start = Date.parse(first.at) / 1_000
  const slots = Math.max(1, Math.round((Date.parse(stretches.at(-1)?.at ?? first.at) / 1_000 - start) / seconds) + 1)
  const top = Math.max(...stretches.map((one) => one.accepted + one.refused + one.unknown), 1)
  const wide = WIDTH / Math.max(slots, 12)
  const bars = stretches.map((one) => {
    const slot = Math.round((Date.parse(one.at) / 1_000 - start) / seconds)
    const parts = [
      ['handed', one.handed_over],
      ['accepted', one.accepted - one.handed_over],
      ['refused', one.refused],
      ['unknown', one.unknown],
    ] as const
    let from = 0
    return parts.map(([name, value]) => {
      const height = (value / top) * 160
      from += height
      return (
        <rect
          key={`${slot}${name}`}
          class={name}
          x={slot * wide + 1}
          width={Math.max(1, wide - 2)}
          y={160 - from}
          height={height}
        />
      )
    })
  })
  return (
    <figure class="chart course">
      <div class="plot">
        <div class="scale" aria-hidden="true">
          <span>{count(top)}</span>
          <span>0</span>
        </div>
        <svg
          viewBox={`0 0 ${WIDTH} 160`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`What was settled, in steps of ${Math.round(seconds)} s from ${timeOfDay(first.at)} on: ${count(top)} devices in one at most`}
        >
          {bars}
        </svg>
      </div>
      <figcaption>
        <span class="key handed">Handed over</span>
        <span class="key accepted">Accepted</span>
        <span class="key refused">Refused</span>
        <span class="key unknown">Unknown</span>
        <span class="span">
          devices from {timeOfDay(first.at)} on, a bar is {Math.round(seconds)} s
        </span>
      </figcaption>
    </figure>
  )
}

/** The next round number. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power
}
