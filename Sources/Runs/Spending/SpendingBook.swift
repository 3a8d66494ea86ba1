package import Foundation
package import ModelAccess
import Support
import Synchronization

/// Counts what a run costs while it asks, keeps it in the run's folder, and lets no request begin that could
/// pass what the run may cost.
///
/// What may have been spent is in the file before a request is sent, so a process that is killed leaves no less
/// than what it spent: requests that were under way count as the most that they can cost.
package final class SpendingBook: Sendable {
  /// Whose server a request goes to.
  package enum Payee: Sendable {
    case models, judges
  }

  private struct State {
    var spending: Spending
    /// Where it is kept; nil until the run's folder is taken.
    var file: URL?
    /// Tokens by which servers passed what was taken for the most: templates that are longer than usual,
    /// thoughts that no limit holds.
    var excess = TokenUse(prompt: 0, completion: 0)
    var waiters: [ContinuationID: CheckedContinuation<Void, Never>] = [:]
  }

  private let state: Mutex<State>

  /// - Parameter continued: the run that goes on: what it has cost counts.
  /// - Throws: `RunError.unreadable`.
  package init(
    prices: Prices, judgePrices: Prices? = nil, limit: Double? = nil, continuing continued: URL?
  ) throws(RunError) {
    var spending = Spending(prices: prices, judgePrices: judgePrices, limit: limit)
    if let continued, let earlier = try Spending.read(in: continued)?.settled {
      let current = spending
      spending = earlier
      (spending.prices, spending.judgePrices) = (current.prices, current.judgePrices)
      spending.limit = current.limit
    }
    state = Mutex(State(spending: spending))
  }

  /// What has been spent.
  package var spending: Spending { state.withLock { $0.spending } }

  /// Keeps it in a run's folder from now on.
  package func open(in run: URL) throws {
    try state.withLock { state in
      state.file = Spending.file(in: run)
      try Self.keep(state)
    }
  }

  /// Writes down what is known now.
  package func save() throws { try state.withLock { try Self.keep($0) } }

  /// The meter of one kind of servers.
  package func meter(of payee: Payee) -> any TokenMeter { Meter(book: self, payee: payee) }

  private static func keep(_ state: State) throws(FileError) {
    guard let file = state.file else { return }
    do {
      try AtomicFile.write(try StableJSON.encodePretty(state.spending), to: file)
    } catch let error as FileError {
      throw error
    } catch {
      throw .unwritable(path: file.path, reason: error.plainReason)
    }
  }

  // MARK: - Requests

  private enum Answer {
    case begun(TokenReservation)
    case refused(ChatFailure)
    /// Others that are under way may leave enough.
    case wait
  }

  private func begin(_ most: TokenUse, _ payee: Payee) async throws(ChatFailure) -> TokenReservation
  {
    while true {
      if Task.isCancelled { throw Self.cancelled }
      switch tryToBegin(most, payee) {
      case .begun(let reservation): return reservation
      case .refused(let failure): throw failure
      case .wait: await wait()
      }
    }
  }

  private func tryToBegin(_ most: TokenUse, _ payee: Payee) -> Answer {
    state.withLock { state in
      let most = TokenUse(
        prompt: most.prompt + state.excess.prompt,
        completion: most.completion + state.excess.completion)
      let reservation = TokenReservation(
        most: most, cost: state.spending.prices(of: payee).cost(of: most))
      if let limit = state.spending.limit {
        // What rounding adds to a sum is no money.
        let room = limit * (1 + 1e-9) - state.spending.mostSpent
        guard reservation.cost <= room else {
          return state.spending.underWay > 0
            ? .wait : .refused(Self.refusal(state.spending, reservation.cost))
        }
      }
      state.spending.begin(reservation)
      do {
        try Self.keep(state)
      } catch {
        state.spending.end(reservation, .nothing, state.spending.prices(of: payee))
        return .refused(.fatal("spending-unwritable", "\(error)"))
      }
      return .begun(reservation)
    }
  }

  private func end(_ reservation: TokenReservation, _ report: TokenReport, _ payee: Payee) {
    let waiters = state.withLock { state in
      state.spending.end(reservation, report, state.spending.prices(of: payee))
      if case .answered(let prompt, let completion) = report {
        state.excess.prompt += max(0, (prompt ?? 0) - reservation.most.prompt)
        state.excess.completion += max(0, (completion ?? 0) - reservation.most.completion)
      }
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.values { waiter.resume() }
  }

  /// Returns when something has ended, or the task is cancelled.
  private func wait() async {
    await withIdentifiedContinuation { id, continuation in
      let isFree = state.withLock { state in
        // What was waited for may have ended meanwhile.
        guard state.spending.underWay > 0 else { return true }
        state.waiters[id] = continuation
        return false
      }
      if isFree { continuation.resume() }
    } onCancel: { id in
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
  }

  private static let cancelled = ChatFailure(
    code: .cancelled, message: "the run was interrupted", attempts: 0, latencyMilliseconds: 0,
    isFatal: false)

  private static func refusal(_ spending: Spending, _ cost: Double) -> ChatFailure {
    .fatal(
      .costLimit,
      "\(Number.money(spending.cost)) of at most \(Number.money(spending.limit ?? 0)) is spent, and the next "
        + "request can cost \(Number.money(cost))")
  }

  private struct Meter: TokenMeter {
    let book: SpendingBook
    let payee: Payee

    func begin(_ most: TokenUse) async throws(ChatFailure) -> TokenReservation {
      try await book.begin(most, payee)
    }

    func end(_ reservation: TokenReservation, _ report: TokenReport) {
      book.end(reservation, report, payee)
    }
  }
}

extension Spending {
  fileprivate func prices(of payee: SpendingBook.Payee) -> Prices {
    payee == .models ? prices : judgePrices
  }
}
