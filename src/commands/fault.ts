/** What a command tells the person who typed it, in a sentence and without a stack trace. */
export class CommandFault extends Error {}
