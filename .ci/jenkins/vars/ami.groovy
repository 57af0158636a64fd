// A step for pipelines of your own, from a shared library whose path is .ci/jenkins (docs/ci.md):
//
//   ami image: 'web', environment: 'prod'
//   ami command: 'plan', environment: 'prod'
//
// Builds and validates an image, or runs another command; hands on JUnit and logs; sweeps when the build is aborted.
def call(Map given) {
  def words = given.command ?: "build ${given.image} --yes"
  def environment = given.environment ? " --env ${given.environment}" : ''
  dir(given.folder ?: '.') {
    try {
      sh("ami ${words}${environment}")
    } catch (org.jenkinsci.plugins.workflow.steps.FlowInterruptedException interrupted) {
      sh("ami sweep --yes${environment}")
      throw interrupted
    } finally {
      junit(testResults: '.ami/ci/junit/*.xml', allowEmptyResults: true)
      archiveArtifacts(artifacts: '.ami/runs/**', allowEmptyArchive: true)
    }
  }
}
