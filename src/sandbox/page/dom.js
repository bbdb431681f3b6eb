/** Builds elements. Everything that came from outside becomes text, never markup. */

/**
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} [props] `class`, `on<event>` handlers, properties such as `value`; the rest are attributes
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue
    if (typeof value === 'function') element.addEventListener(name.slice(2), /** @type {any} */ (value))
    else if (name === 'value') element.value = value
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false))
  return element
}

const shapes = {
  wifi: 'M12 18.5l2.600-3.100a4 4 0 0 0-5.200 0zM12 5C8 5 4.400 6.500 1.600 9l2 2.400a13 13 0 0 1 16.800 0l2-2.400A16 16 0 0 0 12 5zm0 5c-2.700 0-5.100 1-7 2.600l2 2.400a8 8 0 0 1 10 0l2-2.400A11 11 0 0 0 12 10z',
  signal: 'M2 16h4v4H2zM8 12h4v8H8zM14 8h4v12h-4zM20 4h3v16h-3z',
  battery: 'M2 8a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v2h2v4h-2v2a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2zm3 1v6h10V9z',
  lock: 'M7 10V8a5 5 0 0 1 10 0v2h1a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2zm2 0h6V8a3 3 0 0 0-6 0z',
  bell: 'M12 2a2 2 0 0 0-1.500 3.200C7.600 5.900 6 8.400 6 11.500V16l-2 2.500V20h16v-1.500L18 16v-4.500c0-3.100-1.600-5.600-4.500-6.300A2 2 0 0 0 12 2zm-2 19a2 2 0 0 0 4 0z',
  close:
    'M6.400 5 12 10.600 17.600 5 19 6.400 13.400 12 19 17.600 17.600 19 12 13.400 6.400 19 5 17.600 10.600 12 5 6.400z',
  torch: 'M8 2h8v3l-2 4v12a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1V9L8 5z',
  camera:
    'M9 4h6l1.500 2H20a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h3.500zm3 5a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
  dots: 'M5 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  back: 'M15 4 7 12l8 8 1.500-1.500L10 12l6.500-6.500z',
}

/** @param {keyof typeof shapes} name */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('aria-hidden', 'true')
  svg.setAttribute('class', `icon icon-${name}`)
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  path.setAttribute('d', shapes[name])
  svg.append(path)
  return svg
}

/** @param {number} at */
export function ago(at) {
  const minutes = Math.floor((Date.now() - at) / 60_000)
  if (minutes < 1) return 'now'
  if (minutes < 60) return `${minutes}m`
  return minutes < 1440 ? `${Math.floor(minutes / 60)}h` : `${Math.floor(minutes / 1440)}d`
}

/** A user's id from a name that a person typed: Ana -> ana. */
export function idOf(/** @type {string} */ name) {
  return name.trim().toLowerCase().replaceAll(/\s+/g, '-')
}

/** "Ana's iPhone", "Chris' Android" */
export function phoneName(/** @type {{userName: string, platform: string}} */ phone) {
  const device = phone.platform === 'ios' ? 'iPhone' : 'Android'
  return `${phone.userName}${phone.userName.endsWith('s') ? '’' : '’s'} ${device}`
}
