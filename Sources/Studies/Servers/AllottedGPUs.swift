import Foundation

/// The GPUs that a scheduler gave this process.
enum AllottedGPUs {
  /// How many; nil where nobody says so.
  ///
  /// - Parameter environment: CUDA's list of devices counts, else Slurm's number.
  static func count(
    _ environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Int? {
    if let devices = environment["CUDA_VISIBLE_DEVICES"] {
      let listed = devices.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
      // CUDA reads the list up to the first device that there is not.
      return listed.prefix { !$0.isEmpty && !$0.hasPrefix("-") }.count
    }
    return environment["SLURM_GPUS_ON_NODE"].flatMap { Int($0) }
  }
}
