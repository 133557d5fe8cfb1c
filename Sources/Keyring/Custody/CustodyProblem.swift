package import RecordFormat

/// What can be wrong with custodians and their shares. No case says anything about a secret.
package enum CustodyProblem: Equatable, Sendable {
  /// The text of a share has a mistake.
  case shareText(ShareTextProblem)
  /// A version of shares that this program does not know, or a cost that none would have.
  case unsupportedShare
  /// A passphrase is shorter or longer than one may be.
  case passphraseLength(custodian: CustodyName)
  /// The share does not open: the passphrase is another one's, or somebody has altered the share.
  case wrongPassphrase(custodian: CustodyName)
  /// The share is of another key than the one that is asked for.
  case shareOfAnotherKey(KeyIdentifier, custodian: CustodyName)
  /// The share is of the right key, and not of the ones that the store knows.
  case shareOfAnotherSet(custodian: CustodyName)
  /// The share opens, and is not what was committed to when it was made.
  case shareDoesNotMatch(custodian: CustodyName)
  /// The custodian's share has been entered already.
  case shareEnteredAlready(custodian: CustodyName)
  /// The account has entered another custodian's share already, and the ceremony asked for shares of
  /// different accounts.
  case accountEnteredAlready(custodian: CustodyName)
  /// So many shares are missing.
  case sharesMissing(Int)
  /// Every share is right, and what they rebuild is not the key: the store's row is damaged.
  case rebuiltKeyDiffers(KeyIdentifier)
  /// The store's row about custodians breaks its own rules.
  case malformedSet
  /// A threshold or a number of custodians out of bounds, or a name that occurs twice.
  case invalidPlan
}

/// A mistake in the text of a share, and where it is.
package enum ShareTextProblem: Error, Equatable, Sendable {
  /// What a line is called: `custodian`, `line 3`.
  package typealias LineName = String

  /// The fault of a group of characters.
  package enum GroupFault: Equatable, Sendable {
    /// It does not have six characters.
    case length(Int)
    /// It has a character that none of its characters can be.
    case character
    /// It does not fit its last character, or not in this place.
    case check
  }

  /// Larger than any share, in bytes.
  case tooLong
  /// Not text in ASCII, on the line with this number, from 1.
  case notText(lineNumber: Int)
  /// The line with this number, from 1, is none of a share.
  case unknownLine(lineNumber: Int)
  /// The line occurs twice.
  case repeatedLine(LineName)
  /// The line is not there.
  case missingLine(LineName)
  /// The line does not fit the three characters at its end.
  case lineCheck(LineName)
  /// The line fits them, and does not say what such a line says.
  case lineForm(LineName)
  /// The group, from 1, of the `line N`.
  case group(line: Int, group: Int, GroupFault)
  /// All groups of the `line N` are right, and there are fewer or more than eight.
  case groupCount(line: Int, count: Int)
  /// The line says something else than the groups.
  case contradiction(LineName)
}
