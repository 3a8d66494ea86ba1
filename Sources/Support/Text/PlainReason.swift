import Foundation

extension Error {
  /// The number of the system's own failure, where one lies beneath what Foundation made of it.
  package var systemCode: Int32? {
    var error: NSError? = self as NSError
    while let found = error {
      if found.domain == NSPOSIXErrorDomain { return Int32(exactly: found.code) }
      error = found.userInfo[NSUnderlyingErrorKey] as? NSError
    }
    return nil
  }

  /// Why a file could not be written, in the system's words: Foundation's leave out a disk's or a file's
  /// limit.
  package var writingReason: String {
    systemCode.map { unsafe String(cString: strerror($0)) } ?? plainReason
  }

  /// Why reading or writing failed, in words for a person: without the types and codes that
  /// Foundation's own descriptions carry.
  package var plainReason: String { plainReason { $0 } }

  /// - Parameter spelt: how a key is written in the file.
  package func plainReason(keys spelt: (String) -> String) -> String {
    guard let error = self as? DecodingError else {
      let system = self as NSError
      return [NSCocoaErrorDomain, NSPOSIXErrorDomain].contains(system.domain)
        ? system.localizedDescription : "\(self)"
    }
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty
        ? ""
        : " in "
          + path.map { $0.intValue.map { "[\($0)]" } ?? spelt($0.stringValue) }
          .joined(separator: ".")
    }
    func name(_ type: Any.Type) -> String {
      switch "\(type)" {
      case let text where text.hasPrefix("Dictionary"): "an object"
      case let text where text.hasPrefix("Array"): "a list"
      case "String": "a text"
      case "Bool": "true or false"
      case "Int", "UInt64", "Double", "Float": "a number"
      default: "another value"
      }
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "expected \"\(spelt(key.stringValue))\"\(place(context.codingPath)), found none"
    case .typeMismatch(let type, let context):
      return "expected \(name(type))\(place(context.codingPath)), found something else"
    case .valueNotFound(let type, let context):
      return "expected \(name(type))\(place(context.codingPath)), found null"
    case .dataCorrupted(let context):
      let path = place(context.codingPath)
      let reason = context.underlyingError == nil ? context.debugDescription : "it is not JSON"
      return reason + path
    @unknown default:
      return "it does not parse"
    }
  }
}
