/** What the service and its SDKs say. */
export const texts = {
  // The guide: "500 Error when negotiate".
  notConnected: "Azure SignalR Service is not connected yet, please try again later.",
  // The guide: "Access token too long".
  tokenTooLong: "AccessToken must not be longer than 4K.",
  // azure-signalr issue 635.
  quota: "Message count reaches limit.",
  connectionLost: "Connection closed with an error.",
  severalHubs: "Multiple 'hub' query parameters are not allowed.",
  noHub: "The 'hub' query parameter is required.",
} as const;

/** An access token may have so many characters. */
export const MAX_TOKEN_CHARS = 4_096;
/** A request's URI may have so many bytes. */
export const MAX_URL_BYTES = 12_288;
/** A request's headers may have so many bytes. */
export const MAX_HEADER_BYTES = 16_384;
