/// Why a server cannot serve.
package enum LocalServerError: Error, Equatable, CustomStringConvertible {
  case cannotListen(address: String, reason: String)

  package var description: String {
    switch self {
    case .cannotListen(let address, let reason):
      "cannot listen at \(address): \(reason); pass an address of this machine as --host, and a --port "
        + "that is free (0 takes one)"
    }
  }
}
