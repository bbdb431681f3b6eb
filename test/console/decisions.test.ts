/** What an operator decides at the console, clicked in a real browser: alarms, keys, and what a person may ask for. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { hereAtConsole } from './kit.ts'

const here = hereAtConsole()

const lastDeed = async () =>
  (await here.world.operator<{ entries: object[] }>('GET', '/api/operator/audit?limit=1')).body.entries[0]

/** A flood that is held: one push token that Expo has called dead, and nobody has decided about. */
async function flood(project: string): Promise<string> {
  const token = await here.world.user(`of-${project}`).register({ project_id: project })
  const [alarm] = await here.world.sql<{ id: string }>(
    `insert into belfry.alarms (kind, project, detail) values ('flood', $1, '{"answered": 1000, "gone": 400}') returning id`,
    [project],
  )
  await here.world.sql(
    `insert into belfry.held_tokens (alarm_id, push_token_id)
     select $1::bigint, id from belfry.push_tokens where token = $2`,
    [alarm!.id, token],
  )
  return alarm!.id
}

const tokenOf = async (project: string) =>
  (
    await here.world.sql<{ active: boolean; inactive_reason: string | null }>(
      'select active, inactive_reason from belfry.push_tokens where user_id = $1',
      [`of-${project}`],
    )
  )[0]

describe('at the console', () => {
  test('a flood is confirmed: its push tokens are retired', async () => {
    const { page } = here.at
    const id = await flood('gone-app')
    await here.at.open('Alarms')
    await page.getByRole('button', { name: 'Confirm: they are gone' }).click()
    expect(await tokenOf('gone-app')).toEqual({ active: true, inactive_reason: null })
    expect(await here.at.seriousFaults()).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Retire them' }).click()
    await page.getByText('No alarms').waitFor()
    await page.getByText('by operator').waitFor()
    expect(await tokenOf('gone-app')).toEqual({ active: false, inactive_reason: 'DeviceNotRegistered' })
    expect(await lastDeed()).toMatchObject({ actor: 'operator', action: 'alarm.confirm', subject: `alarm:${id}` })
  })

  test('a flood is released: its push tokens stay; and going back decides nothing', async () => {
    const { page } = here.at
    const id = await flood('fine-app')
    await here.at.open('Alarms')
    await page.getByRole('button', { name: 'Release: they stay' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Back' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Release: they stay' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Release them' }).click()
    await page.getByText('No alarms').waitFor()
    expect(await tokenOf('fine-app')).toEqual({ active: true, inactive_reason: null })
    expect(await lastDeed()).toMatchObject({ actor: 'operator', action: 'alarm.release', subject: `alarm:${id}` })
  })

  test('a key is made, shown once, renewed and revoked, and works exactly as long', async () => {
    const { page } = here.at
    const works = async (key: string) =>
      (await here.world.call('GET', '/api/notifications?limit=1', { token: key })).status === 200
    const shown = async () => (await page.locator('.secret pre').textContent())!
    await here.at.open('Keys')
    await page.getByText('No keys yet').waitFor()
    await page.getByRole('button', { name: 'Create a key' }).click()
    await page.getByLabel(/^Name/).fill('Web shop')
    await page.getByLabel(/^read/).check()
    expect(await here.at.seriousFaults()).toEqual([])
    await page.getByRole('button', { name: 'Create it' }).click()
    await page.getByText('The secret of Web shop').waitFor()
    const first = await shown()
    expect(first).toMatch(/^blf_/)
    expect(await works(first)).toBe(true)
    expect(await here.at.seriousFaults()).toEqual([])
    await page.getByRole('button', { name: 'I have put it away' }).click()
    await page.reload()
    await page.getByText('Web shop').waitFor()
    expect(await page.content()).not.toContain(first)

    await page.getByRole('button', { name: 'Rotate Web shop' }).click()
    await page.getByLabel('The old secret').selectOption('It ends at once')
    expect(await here.at.seriousFaults()).toEqual([])
    await page.getByRole('button', { name: 'Make a new secret' }).click()
    await page.getByText('The secret of Web shop').waitFor()
    const second = await shown()
    expect(await works(second)).toBe(true)
    await until('the old one to end', async () => !(await works(first)))

    const json = { to: { users: ['nobody'] }, title: 'By a key' }
    await here.world.call('POST', '/api/notifications', { token: second, json })
    await page.reload()
    await page.getByRole('link', { name: /^used/ }).click()
    await page.getByText('key Web shop sent notification').waitFor()
    expect(await page.locator('.trail > li').count()).toBe(1)
    await here.at.open('Keys')

    await page.getByRole('button', { name: 'Revoke Web shop' }).click()
    await page.getByRole('button', { name: 'Revoke it for good' }).click()
    await page.getByText('Revoked', { exact: true }).waitFor()
    await until('it to end', async () => !(await works(second)))
    await here.at.open('Audit')
    await page.getByText('revoked key Web shop').waitFor()
  })

  test('what a slow server was asked for is not asked for twice', async () => {
    const { page } = here.at
    const { body } = await here.world.operator<{ key: { id: string } }>('POST', '/api/operator/keys', {
      json: { name: 'Slow shop', scopes: ['send'] },
    })
    await flood('slow-app')
    const none = { name: 'Sign out', opened: 'Now', yes: undefined, call: '**/console/sign-out' }
    const deeds = [
      { name: 'Rotate Slow shop', opened: 'Keys', yes: 'Make a new secret', call: '**/keys/*/rotate' },
      { name: 'Revoke Slow shop', opened: 'Keys', yes: 'Revoke it for good', call: `**/keys/${body.key.id}` },
      { name: 'Release: they stay', opened: 'Alarms', yes: 'Release them', call: '**/alarms/*/release' },
      none,
    ]
    for (const { name, opened, yes, call } of deeds) {
      let answer = (): void => {}
      const answered = new Promise<void>((done) => (answer = done))
      await page.route(call, async (route) => (await answered, route.continue()))
      await here.at.open(opened)
      await page.getByRole('button', { name }).click()
      if (yes !== undefined) await page.getByRole('dialog').getByRole('button', { name: yes }).click()
      await page.getByRole('button', { name, disabled: true }).waitFor()
      answer()
      await page.getByRole('button', { name, disabled: true }).waitFor({ state: 'detached' })
    }
  })

  test('the audit log is looked through by who, what and whom, page by page', async () => {
    const { page } = here.at
    for (let n = 0; n < 60; n++)
      await here.world.operator('POST', '/api/notifications', { json: { to: { users: ['nobody'] }, title: 'A' } })
    const rows = page.locator('.trail > li')
    await here.at.open('Audit')
    await until('a page', async () => (await rows.count()) === 50)
    await page.getByRole('button', { name: 'Show older ones' }).click()
    await until('the next', async () => (await rows.count()) > 60)
    await page.getByLabel('Did what').selectOption('Alarms')
    await until('alarms only', async () => {
      const texts = await rows.allTextContents()
      return texts.length > 0 && texts.every((text) => text.includes('alarm'))
    })
    await page.getByLabel('To whom').fill('user:nobody')
    await page.getByText('Nothing like that').waitFor()
    expect(await rows.first().locator('time').count()).toBe(0)
    await page.getByLabel('To whom').fill('')
    await page.getByLabel('Did what').selectOption('Everything')
    await until('everything', async () => (await rows.count()) === 50)
    expect(await page.locator('.trail time').first().getAttribute('title')).toMatch(/20\d\d/)
  })

  test('a person is handed all about them, and then erased once their id is typed', async () => {
    const { page } = here.at
    const eve = here.world.user('eve-1', { username: 'Eve' })
    const token = await eve.register()
    await page.goto(`${here.world.server.url}/console#/people/eve-1`)
    const file = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    const download = await file
    expect(download.suggestedFilename()).toBe('eve-1.json')
    expect(readFileSync((await download.path())!, 'utf8')).toContain(token)
    expect(await here.at.seriousFaults()).toEqual([])
    await page.getByRole('button', { name: 'Erase…' }).click()
    const yes = page.getByRole('button', { name: 'Erase for good' })
    await page.getByLabel(/^Type/).fill('eve1')
    expect(await yes.isDisabled()).toBe(true)
    await page.getByLabel(/^Type/).fill('eve-1')
    await yes.click()
    await page.getByRole('heading', { name: 'Erased' }).waitFor()
    expect((await here.world.operator('GET', '/api/operator/people/eve-1')).status).toBe(404)
  })
})
