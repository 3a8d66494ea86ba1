import Foundation

/// When a request is sent again, and after how long.
package struct RetryPolicy: Sendable {
  /// Further attempts after the first. Six outlast a server that is away for ten seconds.
  package var maxRetries: Int
  /// The first delay; each further one doubles, up to `longestSeconds`.
  package var firstSeconds: Double
  package var longestSeconds: Double
  /// Waiting longer than this because a server says so is pointless.
  package var longestServerDelaySeconds: Double
  /// How long a server may say that it is overloaded without an answer in between: through several of
  /// the minutes that gateways count by. 0 counts the times alone, and so does a policy without retries.
  package var overloadSeconds: Double

  package init(
    maxRetries: Int = 6, firstSeconds: Double = 0.5, longestSeconds: Double = 30,
    longestServerDelaySeconds: Double = 120, overloadSeconds: Double = 300
  ) {
    self.maxRetries = maxRetries
    self.firstSeconds = firstSeconds
    self.longestSeconds = longestSeconds
    self.longestServerDelaySeconds = longestServerDelaySeconds
    self.overloadSeconds = overloadSeconds
  }

  /// How long all further attempts of a request wait at most, in seconds: what of an outage is sat out.
  package var outageSeconds: Double {
    (0..<maxRetries).reduce(0) {
      $0 + min(longestSeconds, firstSeconds * pow(2, Double(min($1, 30))))
    }
  }

  /// Whether a server, or a request, has been told so often and for so long to come back later that it
  /// is given up.
  func isGivenUp(refusals: Int, for time: Duration) -> Bool {
    refusals > maxRetries && (maxRetries == 0 || time >= .seconds(overloadSeconds))
  }

  /// Statuses that another attempt may change.
  static func isTransient(status: Int) -> Bool {
    switch status {
    case 408, 409, 425, 429: true
    // Not implemented, and of another version of HTTP: it will not be otherwise.
    case 501, 505: false
    default: (500...599).contains(status)
    }
  }

  /// The delay before retry number `retry` (from 0): exponential, with half of it random so that
  /// clients that failed together do not come back together; at least what the server asked for.
  func delay(
    retry: Int, asked: Double?, using generator: inout some RandomNumberGenerator
  ) -> Double {
    let exponential = min(longestSeconds, firstSeconds * pow(2, Double(min(retry, 30))))
    let jittered = exponential * Double.random(in: 0.5...1, using: &generator)
    guard let asked else { return jittered }
    return max(jittered, min(asked, longestServerDelaySeconds))
  }

  /// As above, with the system's randomness.
  package func delay(retry: Int, asked: Double?) -> Double {
    var generator = SystemRandomNumberGenerator()
    return delay(retry: retry, asked: asked, using: &generator)
  }

  /// `Retry-After` as seconds or an HTTP date; nil for what is neither, and for more than a week, which
  /// is a mistake or a joke.
  static func seconds(of text: String, now: Date) -> Double? {
    if let seconds = Double(text) { return (0...604_800).contains(seconds) ? seconds : nil }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    return formatter.date(from: text).map { max(0, $0.timeIntervalSince(now)) }
  }
}
