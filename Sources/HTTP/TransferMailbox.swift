import Synchronization

/// Messages from callers to the transfer thread.
final class TransferMailbox: Sendable {
  enum Message: Sendable {
    case start(Transfer)
    case cancel(Transfer)
    case stop
  }

  private struct State {
    var messages: [Message] = []
    var multi: MultiHandle?
    var isStopped = false
  }

  private let state = Mutex(State())

  func post(_ message: Message) {
    let (isRejected, asleep) = state.withLock { state -> (Bool, MultiHandle?) in
      if state.isStopped { return (true, nil) }
      defer { state.messages.append(message) }
      // One that waits has woken the thread already.
      return (false, state.messages.isEmpty ? state.multi : nil)
    }
    // Without the lock, for which the thread asks as soon as it is awake.
    asleep?.wake()
    if isRejected, case .start(let transfer) = message { transfer.finish(.failure(.shutDown)) }
  }

  func take() -> [Message] {
    state.withLock { state in
      defer { state.messages = [] }
      return state.messages
    }
  }

  func attach(_ multi: MultiHandle) { state.withLock { $0.multi = multi } }

  /// No message is taken any more; returns those that were left.
  func close() -> [Message] {
    state.withLock { state in
      state.isStopped = true
      state.multi = nil
      defer { state.messages = [] }
      return state.messages
    }
  }
}
