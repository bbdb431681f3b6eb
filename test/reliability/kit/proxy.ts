/** A TCP proxy on loopback that goes wrong when told to: between the program and its database, or Expo. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../../kit/guard.ts'

export interface Proxy {
  port: number
  /** Resets every connection. @returns how many there were. */
  cut(): number
  /** True: nobody listens, new connections are refused, old ones are reset. */
  refuse(yes: boolean): Promise<void>
  /** True: nothing comes through in either direction, and nobody is told. */
  blackhole(yes: boolean): void
  /** What is connected falls silent for good, and nobody is told; new connections work. @returns how many there were. */
  freeze(): number
  /** The next connection is let in, and what it asks then is never answered. @returns once it has asked. */
  silenceNext(): Promise<void>
  /** Each piece is late by so many milliseconds. */
  latency(ms: number): void
  /** Pieces of at most so many bytes; 0: as they come. */
  slices(bytes: number): void
  connections(): number
  close(): Promise<void>
}

interface State {
  black: boolean
  ms: number
  bytes: number
  silenceNext: (() => void) | undefined
  pairs: Set<Pair>
}

interface Pair {
  near: Socket
  far: Socket
  silent: boolean
}

export async function openProxy(target: number): Promise<Proxy> {
  const state: State = { black: false, ms: 0, bytes: 0, silenceNext: undefined, pairs: new Set() }
  const port = await freePort()
  let server: Server | undefined = await listen(port, target, state)
  const cut = () => {
    const { size } = state.pairs
    for (const { near, far } of state.pairs) {
      near.resetAndDestroy()
      far.destroy()
    }
    return size
  }
  const shut = async () => {
    const open = server
    server = undefined
    if (open) await new Promise<void>((done) => (open.close(() => done()), cut()))
  }
  return {
    port,
    cut,
    async refuse(yes) {
      if (yes) await shut()
      else server ??= await listen(port, target, state)
    },
    blackhole(yes) {
      state.black = yes
      // What was swallowed is lost: a connection that lost bytes is not to be had back.
      if (!yes) cut()
    },
    freeze() {
      for (const pair of state.pairs) pair.silent = true
      return state.pairs.size
    },
    silenceNext: () => new Promise((silent) => void (state.silenceNext = silent)),
    latency: (ms) => void (state.ms = ms),
    slices: (bytes) => void (state.bytes = bytes),
    connections: () => state.pairs.size,
    close: shut,
  }
}

function listen(port: number, target: number, state: State): Promise<Server> {
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    const pair: Pair = { near, far, silent: false }
    state.pairs.add(pair)
    const end = () => {
      state.pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    const tell = state.silenceNext
    if (tell) silenceAfterLogin(pair, tell)
    state.silenceNext = undefined
    carry(pair, near, far, state)
    carry(pair, far, near, state)
  })
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(port, '127.0.0.1', () => done(server))
  })
}

function silenceAfterLogin(pair: Pair, tell: () => void): void {
  const fallSilent = () => {
    pair.silent = true
    tell()
  }
  pair.near.once('data', () => pair.near.prependOnceListener('data', fallSilent))
}

function carry(pair: Pair, from: Socket, to: Socket, state: State): void {
  const give = (piece: Buffer) => void (to.destroyed || to.write(piece))
  from.on('data', (data: Buffer) => {
    if (state.black || pair.silent) return
    const step = state.bytes || data.length
    for (let at = 0; at < data.length; at += step) {
      const piece = data.subarray(at, at + step)
      if (state.ms > 0) setTimeout(give, state.ms, piece)
      else give(piece)
    }
  })
  from.on('end', () => void to.end())
}
