import COpenBLAS

/// OpenBLAS computes on the thread that calls it, in the whole process: `WorkerPool` and `TensorQueue` divide work among
/// threads, in the same way every time.
package enum BLAS {
  /// Ends the threads that OpenBLAS starts as it is loaded. They would wait for work on every processor for a tenth of
  /// a second, and again whenever their number is set.
  ///
  /// Every call of OpenBLAS does so first; a program does at its start.
  package static func useCallingThread() { _ = usesCallingThread }

  private static let usesCallingThread: Void = {
    openblas_set_num_threads(1)
    loxeval_end_blas_threads()
  }()

  static var threadCount: Int { Int(openblas_get_num_threads()) }

  /// OpenBLAS's version and the processor it chose its kernels for.
  package static var build: String {
    let configuration = unsafe String(cString: openblas_get_config())
    return configuration.split(separator: " ").prefix(2).joined(separator: " ") + " "
      + (unsafe String(cString: openblas_get_corename()))
  }
}
