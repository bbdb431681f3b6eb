/** A small bell, made by the browser. Silent until a person asks for it: browsers and colleagues both prefer that. */

/** @param {HTMLButtonElement} button */
export function bell(button) {
  /** @type {AudioContext | undefined} */
  let audio
  let on = false

  button.addEventListener('click', () => {
    on = !on
    audio ??= new AudioContext()
    button.setAttribute('aria-pressed', String(on))
    button.textContent = on ? 'Sound on' : 'Sound off'
    if (on) strike()
  })

  function strike() {
    if (!audio || !on) return
    const start = audio.currentTime
    for (const [overtone, volume] of [
      [1, 0.2],
      [2.01, 0.1],
      [2.98, 0.06],
    ]) {
      const tone = audio.createOscillator()
      const gain = audio.createGain()
      tone.frequency.value = 880 * overtone
      gain.gain.setValueAtTime(volume, start)
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 1.2 / overtone)
      tone.connect(gain).connect(audio.destination)
      tone.start(start)
      tone.stop(start + 1.3)
    }
  }
  return strike
}
