import { defineDiagnosis } from 'dbdoctor'

export default defineDiagnosis({
  id: 'jwt-key-weak',
  headline: (chart) => chart.sentence('auth/jwt-round-trip#weak'),
  when: (chart) => chart.found('auth/jwt-round-trip#weak'),
  next: [
    'openssl rand -base64 48',
    'Give the new key to every server and to auth.jwt; whoever is signed in has to sign in again.',
  ],
})
