import Foundation

/// A TCP port of the loopback interface that nobody listened on a moment ago.
package func freePort() -> UInt16? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
      unsafe bind(descriptor, raw, size) == 0 && getsockname(descriptor, raw, &size) == 0
    }
  }
  return isBound ? UInt16(bigEndian: address.sin_port) : nil
}
