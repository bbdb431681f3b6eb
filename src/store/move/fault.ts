/** What a person can change about it; nothing has been moved. */
export class CannotMove extends Error {}
