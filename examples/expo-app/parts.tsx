/** The few things that all screens are made of. */
import { type ComponentProps, type ReactNode, useState } from 'react'
import { Pressable, ScrollView, StyleSheet, Text, TextInput } from 'react-native'

export function Screen({ children }: { children: ReactNode }) {
  return (
    <ScrollView contentInsetAdjustmentBehavior="automatic" contentContainerStyle={styles.screen}>
      {children}
    </ScrollView>
  )
}

export function Heading({ children }: { children: ReactNode }) {
  return <Text style={styles.heading}>{children}</Text>
}

export function Words({ children }: { children: ReactNode }) {
  return <Text style={styles.words}>{children}</Text>
}

export function Field(props: ComponentProps<typeof TextInput>) {
  return <TextInput style={styles.field} placeholderTextColor="#767676" autoCapitalize="none" {...props} />
}

/** Says what went wrong, where it was pressed. */
export function Button({ title, onPress }: { title: string; onPress: () => unknown }) {
  const [fault, setFault] = useState('')
  const press = async () => {
    setFault('')
    try {
      await onPress()
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <>
      <Pressable accessibilityRole="button" style={styles.button} onPress={() => void press()}>
        <Text style={styles.buttonText}>{title}</Text>
      </Pressable>
      {fault !== '' && <Text style={styles.fault}>{fault}</Text>}
    </>
  )
}

const styles = StyleSheet.create({
  screen: { padding: 20, gap: 14 },
  heading: { fontSize: 22, fontWeight: '600' },
  words: { fontSize: 16, lineHeight: 23 },
  field: {
    borderWidth: 1,
    borderColor: '#8a8a8a',
    borderRadius: 8,
    padding: 12,
    fontSize: 16,
    backgroundColor: '#fff',
  },
  button: { backgroundColor: '#1f4e79', borderRadius: 8, padding: 14, alignItems: 'center' },
  buttonText: { color: '#fff', fontSize: 16, fontWeight: '600' },
  fault: { color: '#a4262c', fontSize: 15 },
})
