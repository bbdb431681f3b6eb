/**
 * Expo refused a whole request for something in it. Which of its recipients go on together, and which alone, so that
 * one foreign or malformed recipient costs the others nothing but a few requests.
 */

/** A recipient of the refused request; `message` is the index of its message object, `at` its place in that `to` list. */
export interface Suspect {
  token: string
  message: number
  at: number
}

export interface Group {
  /** Indexes into the suspects. */
  members: number[]
  /** Expo's name of the project, where it told. */
  project?: string
}

/** Undefined: nothing is left to divide, the one recipient is the bad one. */
export function divide(
  suspects: readonly Suspect[],
  refusal: { code: string; message: string; details?: unknown },
): Group[] | undefined {
  if (suspects.length <= 1) return undefined
  if (refusal.code === 'PUSH_TOO_MANY_EXPERIENCE_IDS') {
    const groups = byProject(suspects, refusal.details)
    if (groups.length > 1) return groups
  }
  return byName(suspects, refusal.message) ?? halves(suspects)
}

/** Expo lists the tokens of each project; those in no list go alone. */
function byProject(suspects: readonly Suspect[], details: unknown): Group[] {
  if (typeof details !== 'object' || details === null) return []
  const projectOf = new Map<string, string>()
  for (const [project, tokens] of Object.entries(details)) {
    if (!Array.isArray(tokens)) continue
    for (const token of tokens) if (typeof token === 'string') projectOf.set(token, project)
  }
  const groups = new Map<string, Group>()
  suspects.forEach(({ token }, index) => {
    const project = projectOf.get(token)
    const key = project === undefined ? `alone ${index}` : `of ${project}`
    const group = groups.get(key) ?? { members: [], ...(project === undefined ? {} : { project }) }
    group.members.push(index)
    groups.set(key, group)
  })
  return [...groups.values()]
}

/** `"[2].title" must be a string.`, or `[0].to[7]`: the message text names the bad one. */
function byName(suspects: readonly Suspect[], message: string): Group[] | undefined {
  const named = /\[(\d+)\](?:\.to\[(\d+)\])?/.exec(message)
  if (!named) return undefined
  const [, messageIndex, at] = named
  const isNamed = (one: Suspect) => one.message === Number(messageIndex) && (at === undefined || one.at === Number(at))
  const bad: number[] = []
  const good: number[] = []
  suspects.forEach((one, index) => (isNamed(one) ? bad : good).push(index))
  return bad.length > 0 && good.length > 0 ? [{ members: good }, { members: bad }] : undefined
}

function halves(suspects: readonly Suspect[]): Group[] {
  const indexes = suspects.map((_, index) => index)
  const middle = suspects.length >> 1
  return [{ members: indexes.slice(0, middle) }, { members: indexes.slice(middle) }]
}
