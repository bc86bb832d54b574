import { useFan } from '../fan.tsx';
import { SignInForm } from './sign-in.tsx';

/** For a screen that has nothing to show to somebody who is signed out. */
export function SignInHere({ text }: { readonly text: string }) {
  const { isAsking } = useFan();
  return (
    <div className="sign-in-here">
      <p className="lead">{text}</p>
      {!isAsking && <SignInForm onDone={() => {}} />}
    </div>
  );
}
