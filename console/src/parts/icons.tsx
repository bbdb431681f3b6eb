/** Line icons, drawn here so that nothing is fetched for them. */
const paths = {
  now: 'M3 12h4l3-8 4 16 3-8h4',
  notifications: 'M6 9a6 6 0 0 1 12 0c0 6 2.5 7 2.5 7h-17S6 15 6 9M10 20a2.2 2.2 0 0 0 4 0',
  compose: 'M4 20h4L19 9a2.8 2.8 0 0 0-4-4L4 16zM13.5 6.5l4 4',
  people:
    'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M2 21c0-4 3-6.5 7-6.5s7 2.5 7 6.500M16 3.500a4 4 0 0 1 0 7.300M18.5 15c2.2.8 3.5 2.8 3.5 6',
  alarms: 'M12 3 2 20h20zM12 10v4.500M12 17.300v.1',
  keys: 'M8 20a5 5 0 1 0 0-10 5 5 0 0 0 0 10M11.5 11.500 20 3M16 7l3 3',
  audit: 'M6 3h12v18H6zM9.500 8h5M9.500 12h5M9.500 16h3',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M16 16l5 5',
  pause: 'M8 5v14M16 5v14',
  resume: 'M7 4.500v15l12-7.500z',
  cancel: 'M6 6l12 12M18 6 6 18',
  back: 'M15 5l-7 7 7 7',
  phone:
    'M8 2.500h8a1.5 1.5 0 0 1 1.5 1.500v16a1.5 1.5 0 0 1-1.5 1.500H8A1.5 1.5 0 0 1 6.5 20V4A1.5 1.5 0 0 1 8 2.500M11 18.500h2',
  check: 'M5 12.500l4.5 4.500L19 7.5',
  out: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
