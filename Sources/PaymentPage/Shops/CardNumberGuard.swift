import Cards

/// Refuses texts that hold a card number, by the vault's rule: what a shop sends is stored and told on.
struct CardNumberGuard {
  let table: BrandTable

  /// - Throws: ``PageProblem`` for the place of the text.
  func check(_ text: String?, at pointer: String) throws {
    guard let text else { return }
    var finder = CardNumberFinder(table)
    for scalar in text.unicodeScalars { finder.take(scalar) }
    if finder.finish() {
      throw PageProblem.invalid(pointer, "it holds what may be a card number")
    }
  }
}
