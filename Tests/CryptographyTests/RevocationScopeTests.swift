import Cryptography
import TestSupport
import Testing

/// Lists with an issuing distribution point, as Active Directory and others write them.
@Suite struct RevocationScopeTests {
  private static let here = "http://pki.example/here.crl"
  private static let there = "http://pki.example/there.crl"

  private let workshop: Workshop

  init() throws {
    workshop = try Workshop()
    try workshop.makeAuthority("ca")
  }

  /// Writes a list of the authority, with the members of an issuing distribution point.
  private func list(_ members: String, as file: String = "ca", revoking: [String] = []) throws {
    try workshop.makeRevocationList(
      by: "ca", revoking: revoking,
      extensions: "issuingDistributionPoint = critical, @point\n[point]\n\(members)\n", as: file)
  }

  /// A client whose certificate names distribution points.
  private func client(
    _ name: String, at points: [String], serial: String = "0x1001"
  ) throws -> LeafCertificate {
    let names = points.map { "URI:\($0)" }.joined(separator: ",")
    return try workshop.client(
      name, by: "ca",
      usage: "extendedKeyUsage = clientAuth"
        + (points.isEmpty ? "" : "\ncrlDistributionPoints = \(names)"), serial: serial)
  }

  private func verdict(
    _ leaf: LeafCertificate, by lists: [String] = ["ca"]
  ) throws -> ClientVerdict {
    try workshop.authorities(["ca"], lists: lists).judge(leaf, at: leaf.notBefore + 60)
  }

  private func isGood(_ leaf: LeafCertificate, by lists: [String] = ["ca"]) throws -> Bool {
    if case .valid = try verdict(leaf, by: lists) { return true }
    return false
  }

  @Test(arguments: [
    "onlyuser = TRUE", "fullname = URI:\(here)", "fullname = URI:\(here)\nonlyuser = TRUE",
    "fullname = URI:ldap:///CN=ca?certificateRevocationList?base,URI:\(here)",
  ]) func aListOfEveryClientIsOne(_ members: String) throws {
    let one = try client("one", at: [Self.here])
    let plain = try client("plain", at: [], serial: "0x1002")
    try list(members)
    #expect(try isGood(one))
    #expect(try isGood(plain), "it names no distribution point, so its issuer splits no list")
    try list(members, revoking: ["one"])
    #expect(try verdict(one) == .revoked)
    #expect(try isGood(plain))
  }

  @Test(arguments: [
    "onlyCA = TRUE", "onlyAA = TRUE", "indirectCRL = TRUE", "onlysomereasons = keyCompromise",
    "relativename = name\n[name]\nCN = part",
  ]) func aListOfSomethingElseIsRefused(_ members: String) throws {
    try list(members)
    #expect(throws: CertificateError.partialRevocationList) {
      _ = try workshop.authorities(["ca"], lists: ["ca"])
    }
  }

  /// The part of a list that a client does not belong to says nothing of it.
  @Test func aClientOfAnotherPartIsNotServedByThis() throws {
    let one = try client("one", at: [Self.here])
    let other = try client("other", at: [Self.there], serial: "0x1002")
    try list("fullname = URI:\(Self.here)", as: "here")
    try list("fullname = URI:\(Self.there)", as: "there")
    #expect(try isGood(one, by: ["here"]))
    #expect(try verdict(other, by: ["here"]) == .uncoveredByRevocationLists)
    #expect(try isGood(other, by: ["here", "there"]))
    #expect(try isGood(one, by: ["here", "there"]))
    try list("fullname = URI:\(Self.there)", as: "there", revoking: ["other"])
    #expect(try verdict(other, by: ["here", "there"]) == .revoked)
    #expect(try isGood(one, by: ["here", "there"]))
  }

  @Test func aListForLeavesSaysNothingOfAnIntermediate() throws {
    try workshop.makeIntermediate("issuing", by: "ca")
    let leaf = try workshop.client("leaf", by: "issuing")
    let sent = try AuthorityCertificate.read(workshop.file("issuing.pem"))
    try list("onlyuser = TRUE")
    let authorities = try workshop.authorities(["ca"], lists: ["ca"])
    #expect(
      authorities.judge(leaf, with: sent, at: leaf.notBefore + 60) == .uncoveredByRevocationLists)
  }
}
