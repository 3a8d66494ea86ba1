package import Foundation

/// The day that templates are told when they ask what day it is; its noon, where they ask for the time.
///
/// It is no clock's: the same request must get the same reply tomorrow, and two studies are compared
/// prompt by prompt.
package struct TemplateDate: Hashable, Sendable, CustomStringConvertible {
  /// Where none is chosen: the day that the templates of Llama 3.1 and later write without a clock.
  package static let standard = TemplateDate(noon: Date(timeIntervalSince1970: 1_721_995_200))

  /// Noon of the day, in UTC.
  package let noon: Date

  private init(noon: Date) { self.noon = noon }

  private static let style = Date.ISO8601FormatStyle().year().month().day()

  /// - Parameter text: such as `2025-01-31`; nil where there is no such day.
  package init?(_ text: String) {
    guard let midnight = try? Date(text, strategy: Self.style) else { return nil }
    self.init(noon: midnight.addingTimeInterval(12 * 3600))
    guard description == text else { return nil }
  }

  package var description: String { noon.formatted(Self.style) }
}
