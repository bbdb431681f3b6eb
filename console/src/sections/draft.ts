/** What is being composed. It outlives the page, a reload and the end of a session, but neither its tab nor signing out. */
import { useLayoutEffect, useState } from 'preact/hooks'

export interface Draft {
  title: string
  body: string
  data: string
  audience: 'everyone' | 'users' | 'topic'
  users: string
  topic: string
  except: string
  when: 'now' | 'later'
  at: string
  sound: boolean
  priority: 'default' | 'normal' | 'high'
  badge: string
  channelId: string
  image: string
  ttlHours: string
  /** What was last sent of it, in case the answer was lost: the same words to the same people go under the same key. */
  attempt: { words: string; key: string }
}

export const emptyDraft: Draft = {
  title: '',
  body: '',
  data: '',
  audience: 'everyone',
  users: '',
  topic: '',
  except: '',
  when: 'now',
  at: '',
  sound: true,
  priority: 'high',
  badge: '',
  channelId: 'default',
  image: '',
  ttlHours: '',
  attempt: { words: '', key: '' },
}

const NAME = 'belfry-draft'

export function useDraft() {
  const [draft, setDraft] = useState(read)
  useLayoutEffect(() => {
    if (draft === emptyDraft) return sessionStorage.removeItem(NAME)
    try {
      sessionStorage.setItem(NAME, JSON.stringify(draft))
    } catch {
      // More than a browser keeps, as a few hundred thousand user ids are; and half of it is worse than none.
      sessionStorage.removeItem(NAME)
    }
  }, [draft])
  return [draft, setDraft] as const
}

function read(): Draft {
  const kept = sessionStorage.getItem(NAME)
  return kept === null ? emptyDraft : { ...emptyDraft, ...(JSON.parse(kept) as Draft) }
}
