/** What the key of another backend allows: to notify, to act for users, to look. */
export const scopes = ['send', 'users', 'read'] as const
export type Scope = (typeof scopes)[number]
