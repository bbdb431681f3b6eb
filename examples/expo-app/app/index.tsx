import { Redirect, useFocusEffect } from 'expo-router'
import { useCallback, useState } from 'react'
import { readSession } from '../session'

/** Where the app opens: at the feed, or at the log-in. */
export default function Start() {
  const [isLoggedIn, setLoggedIn] = useState<boolean>()
  useFocusEffect(useCallback(() => void readSession().then((session) => setLoggedIn(session !== null)), []))
  if (isLoggedIn === undefined) return null
  return <Redirect href={isLoggedIn ? '/feed' : '/login'} />
}
