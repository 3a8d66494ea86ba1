import Foundation

/// A request as it came over the wire, whole.
struct HTTPRequest: Sendable {
  var method: String
  /// Without the query, percent-decoded.
  var path: String
  /// In their order; names as they were written.
  var headers: [(name: String, value: String)] = []
  var body = Data()

  /// The values of all headers with this name, whatever its case.
  func values(of name: String) -> [String] {
    headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }
}

/// What is sent back.
struct HTTPReply: Sendable {
  enum Body: Sendable {
    case whole(Data)
    /// Sent piece by piece, as the producer hands them over; its task is cancelled when the client
    /// goes away.
    case events(@Sendable (_ send: @Sendable (Data) -> Void) async -> Void)
  }

  var status = 200
  var headers: [(name: String, value: String)] = []
  var body: Body
}

/// What a client may ask for in size and in time.
package struct HTTPLimits: Sendable {
  /// Bytes of the request line; beyond that 414.
  package var target = 8 << 10
  /// Bytes of the request line and all headers; beyond that 431.
  package var headers = 32 << 10
  /// Bytes of the body; beyond that 413.
  package var body = 8 << 20
  /// How long the headers may take, from the first byte on or from the connection's start; then 408.
  package var headerTime = Duration.seconds(20)
  /// How long the body may take; then 408.
  package var bodyTime = Duration.seconds(60)
  /// How long a connection may wait for its next request; then it is closed.
  package var idleTime = Duration.seconds(75)
  /// How long a client may leave a piece of the reply unread; then the connection is closed.
  package var sendTime = Duration.seconds(60)
  /// Connections at a time. Where they run out, the one that has said nothing for longest is closed.
  package var connections = 512

  package init() {}
}
