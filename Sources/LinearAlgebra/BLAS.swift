import COpenBLAS

/// OpenBLAS's threads are those of the whole process.
package enum BLAS {
  /// Sets how many threads OpenBLAS uses. Called once, at the start of the program.
  package static func setThreadCount(_ count: Int) { openblas_set_num_threads(Int32(count)) }

  /// Ends the threads that OpenBLAS starts as it is loaded and that wait for work on every processor for a
  /// tenth of a second, though most commands have none for them. The first product that wants some starts them again.
  ///
  /// - Precondition: nobody computes.
  package static func endWaitingThreads() { loxeval_end_blas_threads() }

  package static var threadCount: Int { Int(openblas_get_num_threads()) }

  /// OpenBLAS's version and the processor it chose its kernels for.
  package static var build: String {
    let configuration = unsafe String(cString: openblas_get_config())
    return configuration.split(separator: " ").prefix(2).joined(separator: " ") + " "
      + (unsafe String(cString: openblas_get_corename()))
  }
}
