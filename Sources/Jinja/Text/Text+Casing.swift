/// Upper and lower case, and what kind of characters a text has, as Python's `str` tells it.
extension Text {
  var uppercased: Text { replacingEach(\.properties.uppercaseMapping) }

  var lowercased: Text {
    var result = Text()
    var index = 0
    eachScalar { scalar, mark in
      result.append(lowercase(scalar, at: index), mark)
      index += 1
    }
    return result.markup(isMarkup)
  }

  /// A sigma that ends a word has a lower case of its own.
  private func lowercase(_ scalar: Unicode.Scalar, at index: Int) -> String {
    guard scalar == "Σ" else { return scalar.properties.lowercaseMapping }
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
    let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    let ends = before?.properties.isCased == true && after?.properties.isCased != true
    return ends ? "ς" : "σ"
  }

  /// The first character in title case, all others in lower case.
  var capitalized: Text {
    guard !isEmpty else { return self }
    let lower = lowercased
    var result = self[0].replacingEach(\.properties.titlecaseMapping)
    // A first character that stays long in lower case is cut off with all of its length.
    let first = self[0].lowercased.count
    result.append(lower[first..<lower.count])
    return result.markup(isMarkup)
  }

  /// Each run of letters with its first in title case.
  var titlecased: Text {
    var result = Text()
    var index = 0
    var afterLetter = false
    eachScalar { scalar, mark in
      result.append(
        afterLetter ? lowercase(scalar, at: index) : scalar.properties.titlecaseMapping, mark)
      afterLetter = scalar.properties.isCased
      index += 1
    }
    return result.markup(isMarkup)
  }

  var swappedCase: Text {
    replacingEach {
      if $0.properties.isUppercase { return $0.properties.lowercaseMapping }
      if $0.properties.isLowercase { return $0.properties.uppercaseMapping }
      return String($0)
    }
  }

  var isLower: Bool {
    scalars.contains { $0.properties.isCased }
      && !scalars.contains { $0.properties.isUppercase || $0.isTitleLetter }
  }

  var isUpper: Bool {
    scalars.contains { $0.properties.isCased }
      && !scalars.contains { $0.properties.isLowercase || $0.isTitleLetter }
  }

  var isTitle: Bool {
    var afterCased = false
    var found = false
    for scalar in scalars {
      if scalar.properties.isUppercase || scalar.isTitleLetter {
        if afterCased { return false }
        (afterCased, found) = (true, true)
      } else if scalar.properties.isLowercase {
        if !afterCased { return false }
        found = true
      } else {
        afterCased = false
      }
    }
    return found
  }

  /// Whether all characters are of a kind, and there is one.
  func consists(of kind: (Unicode.Scalar) -> Bool) -> Bool {
    !isEmpty && scalars.allSatisfy(kind)
  }
}

extension Unicode.Scalar {
  var isTitleLetter: Bool { properties.generalCategory == .titlecaseLetter }

  /// `str.isalpha` of one character.
  var isPythonAlpha: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  /// `str.isdecimal` of one character.
  var isPythonDecimal: Bool { properties.generalCategory == .decimalNumber }

  /// `str.isdigit` of one character.
  var isPythonDigit: Bool {
    properties.numericType == .decimal || properties.numericType == .digit
  }

  /// `str.isnumeric` of one character.
  var isPythonNumeric: Bool { properties.numericType != nil }

  /// `str.isalnum` of one character.
  var isPythonAlphanumeric: Bool { isPythonAlpha || isPythonNumeric }

  /// Whether `repr` shows the character as it is.
  var isPythonPrintable: Bool {
    if self == " " { return true }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }

  var isNameStart: Bool { self == "_" || properties.isXIDStart }
  var isNamePart: Bool { properties.isXIDContinue }
}
