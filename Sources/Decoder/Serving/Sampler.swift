import CKernels
import Foundation
import Support

/// Chooses the next token from logits, by one request's settings and its own random sequence.
struct Sampler {
  let temperature: Float
  let topP: Float
  private var generator: SplitMix64

  init(temperature: Float, topP: Float, seed: UInt64) {
    self.temperature = temperature
    self.topP = topP
    generator = SplitMix64(seed: seed)
  }

  /// - Returns: the chosen token; the first of equals when greedy.
  mutating func choose(_ logits: UnsafeBufferPointer<Float>) -> Int {
    guard let start = logits.baseAddress else { return 0 }
    if temperature <= 0 { return unsafe Int(loxeval_argmax(start, logits.count)) }
    let scale = Double(1 / temperature)
    let best = unsafe Double(logits[Int(loxeval_argmax(start, logits.count))])
    var candidates: [(id: Int, weight: Double)] = []
    for id in 0..<logits.count {
      let weight = unsafe exp((Double(logits[id]) - best) * scale)
      if weight > 1e-12 { candidates.append((id, weight)) }
    }
    var total = candidates.reduce(0) { $0 + $1.weight }
    if topP < 1 {
      candidates.sort { $0.weight == $1.weight ? $0.id < $1.id : $0.weight > $1.weight }
      var kept = 0.0
      let needed = total * Double(topP)
      let end = candidates.firstIndex { candidate in
        kept += candidate.weight
        return kept >= needed
      }
      candidates.removeSubrange((end ?? candidates.count - 1) + 1..<candidates.count)
      total = kept
    }
    var point = generator.nextUnit() * total
    for candidate in candidates {
      point -= candidate.weight
      if point < 0 { return candidate.id }
    }
    return candidates[candidates.count - 1].id
  }

  /// The `count` likeliest tokens, most probable first, and the chosen one's logprob.
  static func logprobs(
    _ logits: UnsafeBufferPointer<Float>, chosen: Int, count: Int
  ) -> (chosen: Float, top: [TokenLogprob]) {
    guard let start = logits.baseAddress else { return (0, []) }
    let normaliser = unsafe loxeval_log_sum_exp(start, logits.count)
    var top: [TokenLogprob] = []
    for id in 0..<logits.count {
      let logprob = unsafe logits[id] - normaliser
      if top.count == count, let last = top.last, logprob <= last.logprob { continue }
      let place = top.firstIndex { $0.logprob < logprob } ?? top.count
      top.insert(TokenLogprob(id: id, logprob: logprob), at: place)
      if top.count > count { top.removeLast() }
    }
    return unsafe (logits[chosen] - normaliser, top)
  }
}
