/** A refusal by the platform: an HTTP status and the `{code, message}` body the backend sends. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  /** The JSON body. */
  body(): string {
    return JSON.stringify({ code: this.code, message: this.message });
  }
}
