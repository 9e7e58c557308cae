/** What can be wrong between and inside the machines. Probabilities from 0 to 1, spans in milliseconds. */
export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly corruption: number;
  readonly delay: number;
  readonly jitter: number;
  /** A command on the machine takes at most this long. */
  readonly commandSlowness: number;
  readonly commandFailure: number;
  /** The agent's timers go off late by at most this, usually by a thousandth of it. */
  readonly timerLateness: number;
  readonly diskFailure: number;
}

export const fairWeather: Weather = {
  loss: 0,
  duplication: 0,
  corruption: 0,
  delay: 0.1,
  jitter: 0.1,
  commandSlowness: 0.5,
  commandFailure: 0,
  timerLateness: 1,
  diskFailure: 0,
};
