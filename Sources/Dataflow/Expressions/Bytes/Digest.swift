internal import CCrypto

/// Hashes, by libcrypto.
enum Digest {
    case md5, sha224, sha256, sha384, sha512

    func hash(_ bytes: TextKernels.Bytes) -> [UInt8] {
        let algorithm =
            switch self {
            case .md5: EVP_md5()
            case .sha224: EVP_sha224()
            case .sha256: EVP_sha256()
            case .sha384: EVP_sha384()
            case .sha512: EVP_sha512()
            }
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var size: UInt32 = 0
        let done = EVP_Digest(bytes.baseAddress, bytes.count, &result, &size, algorithm, nil)
        precondition(done == 1, "libcrypto does not have the hash \(self)")
        return Array(result.prefix(Int(size)))
    }
}
