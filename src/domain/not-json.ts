/** Where a text stops being JSON; undefined where the parser does not tell. Of the text itself one character at most is repeated. */
export function whyNotJson(text: string): string | undefined {
  if (text.trim() === '') return 'it is empty'
  const said = messageOf(text)
  const [, line, column] = / \(line (\d+) column (\d+)\)$/.exec(said) ?? []
  if (line !== undefined) return `it goes wrong at line ${line}, column ${column}`
  if (said.includes('end of JSON')) return 'it ends too early'
  const [, character] = /^Unexpected token '(.|\n)', /u.exec(said) ?? []
  return character === undefined ? undefined : `${JSON.stringify(character)} is not expected there`
}

function messageOf(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
