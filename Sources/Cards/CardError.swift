/// Why something given to this target is not what it should be.
///
/// No case carries what was given, since it may be a card number; those of the brand table name
/// prefixes, which an operator wrote into a file.
package enum CardError: Error, Equatable, Sendable {
  /// Not 12 to 19 digits with single separators between them, or Luhn's check digit is wrong, or a
  /// length that the range of its brand does not allow.
  case invalidNumber
  /// A well-formed number that no range of the brand table holds.
  case unsupportedBrand
  /// A month that is not 1 to 12, or a year that is not 2000 to 2099.
  case invalidExpiry
  /// An amount below 0 or above ``Money/largestValue``.
  case invalidAmount
  /// Every identifier up to the year 10889 has been given.
  case identifiersExhausted
  /// A range whose prefixes, lengths or brands are not of the form that ``BrandRange`` wants.
  case invalidRange(low: String, high: String)
  /// Two ranges with prefixes of the same length that share numbers.
  case overlappingRanges(String, String)
  /// More ranges than ``BrandTable/mostRanges``.
  case tooManyRanges
}
