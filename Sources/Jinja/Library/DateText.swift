import Foundation

/// A time by C's `strftime`, in English.
struct DateText {
  private static let weekdays = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]

  private let parts: DateComponents
  private let date: Date

  init(_ date: Date, _ timeZone: TimeZone) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    self.date = date
    parts = calendar.dateComponents(
      [.year, .month, .day, .hour, .minute, .second, .nanosecond, .weekday, .dayOfYear], from: date)
  }

  func text(_ format: Text, _ interpreter: Interpreter) throws -> Text {
    var result = Text()
    var position = 0
    while position < format.count {
      guard format.scalars[position] == "%", position + 1 < format.count else {
        result.append(format[position])
        position += 1
        continue
      }
      var letter = format.scalars[position + 1]
      position += 2
      // `%-d` is without the zero in front.
      let isBare = letter == "-" && position < format.count
      if isBare {
        letter = format.scalars[position]
        position += 1
      }
      result.append(Text(field(letter, isBare: isBare)))
    }
    return result
  }

  private func field(_ letter: Unicode.Scalar, isBare: Bool) -> String {
    let number = { (value: Int, width: Int, filling: String) in
      let digits = String(value)
      return isBare
        ? digits : String(repeating: filling, count: max(0, width - digits.count)) + digits
    }
    let hour = parts.hour ?? 0
    let weekday = (parts.weekday ?? 1) - 1
    let month = Self.months[(parts.month ?? 1) - 1]
    let year = parts.year ?? 0
    let day = parts.dayOfYear ?? 1
    switch letter {
    case "Y": return number(year, 1, "0")
    case "C": return number(year / 100, 2, "0")
    case "y": return number(year % 100, 2, "0")
    case "m": return number(parts.month ?? 1, 2, "0")
    case "d": return number(parts.day ?? 1, 2, "0")
    case "e": return number(parts.day ?? 1, 2, " ")
    case "H": return number(hour, 2, "0")
    case "k": return number(hour, 2, " ")
    case "I": return number((hour + 11) % 12 + 1, 2, "0")
    case "l": return number((hour + 11) % 12 + 1, 2, " ")
    case "M": return number(parts.minute ?? 0, 2, "0")
    case "S": return number(parts.second ?? 0, 2, "0")
    case "f": return number((parts.nanosecond ?? 0) / 1000, 6, "0")
    case "j": return number(day, 3, "0")
    case "U": return number((day + 6 - weekday) / 7, 2, "0")
    case "W": return number((day + 6 - (weekday + 6) % 7) / 7, 2, "0")
    case "w": return String(weekday)
    case "u": return String((weekday + 6) % 7 + 1)
    case "B": return month
    case "b", "h": return String(month.prefix(3))
    case "A": return Self.weekdays[weekday]
    case "a": return String(Self.weekdays[weekday].prefix(3))
    case "p": return hour < 12 ? "AM" : "PM"
    case "P": return hour < 12 ? "am" : "pm"
    case "s": return String(Int(date.timeIntervalSince1970.rounded(.down)))
    case "z", "Z": return ""
    case "n": return "\n"
    case "t": return "\t"
    case "%": return "%"
    default: return composed(letter).map(fields) ?? "%\(letter)"
    }
  }

  /// Formats that stand for several fields.
  private func composed(_ letter: Unicode.Scalar) -> String? {
    switch letter {
    case "F": "Y-m-d"
    case "D", "x": "m/d/y"
    case "T", "X": "H:M:S"
    case "R": "H:M"
    case "r": "I:M:S p"
    case "c": "a b e H:M:S Y"
    default: nil
    }
  }

  private func fields(_ composed: String) -> String {
    composed.unicodeScalars.map {
      $0.properties.isAlphabetic ? field($0, isBare: false) : String($0)
    }.joined()
  }
}
