/// Why the server cannot start, or cannot take an update.
package enum VaultServerError: Error, Equatable {
  /// The certificate chain or the private key cannot be read, or they do not belong together.
  case unusableCertificate(file: String, cause: String)
  /// The certificates of the client authorities cannot be given to the TLS library.
  case unusableAuthorities(cause: String)
  /// Nothing can listen at this address.
  case cannotListen(host: String, port: Int, cause: String)
  /// The system refuses memory for secrets.
  case noSecretMemory
}
